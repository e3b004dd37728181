//! Names of things: prefixed text (`mis_06ab...`), made from 128 bits outside, ordered by time of making.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Lower-case Crockford base 32 keeps byte order, so ids sort by age.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn write_bits(prefix: &str, bits: u128) -> String {
    let mut text = String::with_capacity(prefix.len() + 27);
    text.push_str(prefix);
    text.push('_');
    for place in (0..26).rev() {
        text.push(char::from(ALPHABET[((bits >> (place * 5)) & 31) as usize]));
    }
    text
}

fn read_bits(text: &str) -> u128 {
    let value = |byte: u8| ALPHABET.iter().position(|b| *b == byte).unwrap_or(0) as u128;
    text.bytes().rev().take(26).enumerate().fold(0, |bits, (place, byte)| bits | value(byte) << (place * 5))
}

fn is_well_formed(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|code| code.len() == 26 && code.bytes().all(|b| ALPHABET.contains(&b)))
}

/// The first id that can be made at `at`: none that was made from then on sorts before it.
pub fn first_at<I: Minted>(at: super::time::At) -> I {
    I::mint(u128::from(at.micros().max(0).unsigned_abs()) << 64)
}

/// An id that can be made from fresh bits.
pub trait Minted {
    fn mint(bits: u128) -> Self;
}

macro_rules! ids {
    ($($name:ident $prefix:literal $what:literal),+ $(,)?) => {
        $(
            #[doc = concat!("Id of ", $what, ": `", $prefix, "_` and 26 characters.")]
            #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(String);

            impl $name {
                pub const PREFIX: &'static str = $prefix;

                pub fn from_bits(bits: u128) -> $name {
                    $name(write_bits($prefix, bits))
                }

                /// `None` for text that is not such an id; an id that was never given out parses too.
                pub fn parse(text: &str) -> Option<$name> {
                    is_well_formed($prefix, text).then(|| $name(text.to_owned()))
                }

                /// Takes text that the database gave back.
                pub fn from_stored(text: String) -> $name {
                    $name(text)
                }

                /// The bits it was made from. `None` for stored text that is not such an id.
                pub fn bits(&self) -> Option<u128> {
                    is_well_formed($prefix, &self.0).then(|| read_bits(&self.0))
                }

                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl Minted for $name {
                fn mint(bits: u128) -> $name {
                    $name::from_bits(bits)
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }
        )+
    };
}

ids! {
    UserId "usr" "a person who signs in",
    SessionId "ses" "a signed-in device",
    BrandId "brd" "a brand",
    StoreId "sto" "a store",
    ProductId "prd" "a product",
    CampaignId "cmp" "a campaign",
    QuestionnaireId "qnr" "a questionnaire version",
    MissionId "mis" "a mission",
    ReservationId "rsv" "a reservation",
    EvidenceId "evd" "a photo",
    FixId "fix" "a position fix",
    SubmissionId "sub" "a submission",
    FindingId "fnd" "a finding",
    AssessmentId "asm" "an assessment",
    DecisionId "dec" "a decision",
    AppealId "apl" "an appeal",
    EarningId "ern" "an earning",
    AccountId "acc" "a ledger account",
    JournalId "jrn" "a journal",
    TransferId "trf" "a transfer",
    PayoutId "pay" "a payout",
    MethodId "pme" "a payout method",
    BatchId "pbt" "a batch of payouts",
    BankFileId "bkf" "a file of a bank",
    WordId "wrd" "what finance says that a rail did with a payout",
    GiftCodeId "gft" "a gift code",
    DocumentId "sbd" "a self-billing document",
    EventId "evt" "an audit event",
    MessageId "msg" "an outgoing message",
    JobId "job" "a job",
    SanctionId "snc" "a suspension or reinstatement",
    CorrectionId "cor" "a proposed correction of a store's pin",
    BonusId "bon" "a bonus",
    BankBalanceId "bal" "a balance of the bank",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_other_text_does_not() {
        let id = MissionId::from_bits(u128::MAX / 3);
        assert_eq!(MissionId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(StoreId::parse(id.as_str()), None);
        assert_eq!(MissionId::parse("mis_short"), None);
        assert_eq!(id.bits(), Some(u128::MAX / 3));
        assert_eq!(MissionId::from_bits(u128::MAX).bits(), Some(u128::MAX));
        assert_eq!(MissionId::from_stored("mis_short".into()).bits(), None);
        assert!(MissionId::from_bits(7) < MissionId::from_bits(8));
    }
}
