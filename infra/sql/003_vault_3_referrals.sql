-- Referrals carry a person on. One row for each referral and pair of agencies, locked by its id; either side may come first.
CREATE TABLE vault.referral (
    referral_id uuid NOT NULL,
    offering text NOT NULL,
    answering text NOT NULL,
    offered uuid REFERENCES vault.subject,
    answered uuid REFERENCES vault.subject,
    begun_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (referral_id, offering, answering)
);
COMMENT ON COLUMN vault.referral.offered IS 'Whom the offering agency means; null while only the answer has come.';
COMMENT ON COLUMN vault.referral.answered IS 'Whom the answering agency means; null until it has answered and named the person.';

GRANT SELECT, INSERT, UPDATE ON vault.referral TO hub_vault;
