"""Writes `jars.lock`: `python -m infra.stack.lock` resolves the two servers and records every file's SHA-256.

Run it to move to a new version, and read the difference before it is committed. Starting the stack resolves
nothing: it takes exactly these files.
"""

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import MavenContext, PythonResolver

from infra.stack.jars import LOCK_FILE, Jar

KAFKA = ("org.apache.kafka:kafka_2.13:4.1.2",)
LOG4J_BINDING = "log4j-slf4j-impl"
REGISTRY = ("io.apicurio", "apicurio-registry-app", "3.3.3")


def main() -> None:
    """Resolve both servers into an empty cache and replace the lock file."""
    with tempfile.TemporaryDirectory() as cache:
        context = MavenContext(resolver=PythonResolver(), repo_cache=Path(cache), timeout=60)
        wanted = [context.create_dependency(coordinate) for coordinate in KAFKA]
        inputs, transitive = context.resolver.resolve(wanted)
        artifacts = [(dependency.artifact, "kafka") for dependency in [*inputs, *transitive]]
        # Without a binding SLF4J drops every line that Kafka logs. Resolved with Kafka, the binding's BOM
        # would move Kafka's own clients to another version: so it is added by itself, as old as log4j-core.
        core = next(artifact for artifact, _ in artifacts if artifact.artifactId == "log4j-core")
        binding = context.project(core.groupId, LOG4J_BINDING).at_version(core.version).artifact()
        group, name, version = REGISTRY
        registry = context.project(group, name).at_version(version).artifact("all", "tar.gz")
        lines = [
            Jar(
                server=server,
                coordinate=f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}",
                file=artifact.filename,
                sha256=hashlib.sha256(artifact.resolve().read_bytes()).hexdigest(),
            ).line()
            for artifact, server in [*artifacts, (binding, "kafka"), (registry, "registry")]
        ]
    LOCK_FILE.write_text("# Made by `python -m infra.stack.lock`.\n" + "\n".join(sorted(lines)) + "\n")


if __name__ == "__main__":
    main()
