//! Rules as values: what can be decided on paper from values in hand. No I/O, clock, randomness, SQL, HTTP or logging.

/// An enum that is stored and sent as fixed text.
macro_rules! text_enum {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<$name, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(d)?;
                $name::parse(&text).ok_or_else(|| {
                    serde::de::Error::custom(format!("must be one of: {}", [$($text),+].join(", ")))
                })
            }
        }
    };
}

pub mod account;
pub mod appeal;
pub mod assessment;
pub mod brand;
pub mod budget;
pub mod campaign;
pub mod capture;
pub mod dac7;
pub mod decision;
pub mod discovery;
pub mod event;
pub mod finding;
pub mod gift_code;
pub mod grade;
pub mod ids;
pub mod job;
pub mod ledger;
pub mod mission;
pub mod money;
pub mod outline;
pub mod papers;
pub mod payout;
pub mod place;
pub mod product;
pub mod questionnaire;
pub mod recheck;
pub mod refusal;
pub mod replay;
pub mod report;
pub mod reservation;
pub mod rounds;
pub mod safeguard;
pub mod sepa;
pub mod signals;
pub mod statement;
pub mod store;
pub mod store_correction;
pub mod store_duplicate;
pub mod store_import;
pub mod store_pbf;
pub mod submission;
pub mod tax_number;
pub mod time;
pub mod transparency;
pub mod travel;
pub mod user;
pub mod visit;
