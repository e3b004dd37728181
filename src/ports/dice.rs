//! Fresh bits, from the operating system.

use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::time::At;

#[derive(Default)]
pub struct Dice {
    last: AtomicI64,
}

impl Dice {
    /// 128 bits for an id: microseconds above, random below. Within a process each is greater than the one before.
    pub fn id_bits(&self, now: At) -> u128 {
        let now = now.micros().max(0);
        let before = self.last.fetch_max(now, Ordering::SeqCst);
        let stamp = if before < now { now } else { self.last.fetch_add(1, Ordering::SeqCst) + 1 };
        let random = u64::from_le_bytes(random());
        (u128::from(stamp.unsigned_abs()) << 64) | u128::from(random)
    }

    /// 128 random bits in hex.
    pub fn trace_id(&self) -> String {
        random::<16>().iter().map(|b| format!("{b:02x}")).collect()
    }

    /// A secret text of 256 bits, safe in a URL.
    pub fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(random::<32>())
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_in_the_same_microsecond_still_follow_each_other() {
        let dice = Dice::default();
        let now = At::parse("2026-03-10T09:00:00Z").expect("valid");
        let bits: Vec<u128> = (0..100).map(|_| dice.id_bits(now)).collect();
        assert!(bits.is_sorted());
        assert!(dice.id_bits(now.plus_secs(1)) > bits[99]);
        assert_ne!(dice.secret(), dice.secret());
    }
}
