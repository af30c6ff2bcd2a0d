// Seals one event for the hub with nothing but Node.js: HPKE (RFC 9180, base mode) over X25519, HKDF-SHA256, AES-256-GCM.
import { createCipheriv, createHmac, createPublicKey, diffieHellman, generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

const hmac = (key, data) => createHmac("sha256", key).update(data).digest();
const label = (suite, name, data) => Buffer.concat([Buffer.from("HPKE-v1"), suite, Buffer.from(name), data]);
const extract = (suite, salt, name, ikm) => hmac(salt, label(suite, name, ikm));
const expand = (suite, prk, name, info, length) => {
  const whole = Buffer.concat([Buffer.from([0, length]), label(suite, name, info)]);
  return hmac(prk, Buffer.concat([whole, Buffer.from([1])])).subarray(0, length);  // 32 bytes at most
};
const aesGcm = (key, nonce, plaintext, aad) => {
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(aad);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};

function hpke(publicKey, info, plaintext) {
  const none = Buffer.alloc(0), kem = Buffer.from("KEM\x00\x20", "latin1");
  const suite = Buffer.from("HPKE\x00\x20\x00\x01\x00\x02", "latin1");
  const der = Buffer.from("302a300506032b656e032100", "hex");
  const hub = createPublicKey({ key: Buffer.concat([der, publicKey]), format: "der", type: "spki" });
  const own = generateKeyPairSync("x25519");
  const enc = own.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const dh = diffieHellman({ privateKey: own.privateKey, publicKey: hub });
  const eae = extract(kem, none, "eae_prk", dh);
  const shared = expand(kem, eae, "shared_secret", Buffer.concat([enc, publicKey]), 32);
  const context = Buffer.concat([
    Buffer.from([0]), extract(suite, none, "psk_id_hash", none), extract(suite, none, "info_hash", info),
  ]);
  const secret = extract(suite, shared, "secret", none);
  const key = expand(suite, secret, "key", context, 32), nonce = expand(suite, secret, "base_nonce", context, 12);
  return Buffer.concat([enc, aesGcm(key, nonce, plaintext, none)]);
}

const asked = JSON.parse(readFileSync(0));
const bound = Buffer.from(`hub.v1.SealedEvent|${asked.topic}|${asked.key_id}`);
const sessionKey = randomBytes(32), nonce = randomBytes(12);
const sealedKey = hpke(Buffer.from(asked.public_key, "base64"), bound, sessionKey);
const ct = Buffer.concat([nonce, aesGcm(sessionKey, nonce, Buffer.from(asked.event, "base64"), bound)]);
console.log(JSON.stringify({
  key_id: asked.key_id, sealed_key: sealedKey.toString("base64"), ct: ct.toString("base64"),
}));
