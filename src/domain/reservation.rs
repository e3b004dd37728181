//! One worker's timed hold on one slot.

use super::time::At;

text_enum! {
    ReservationState {
        Held = "held", CheckedIn = "checked_in", Used = "used", Released = "released", Expired = "expired"
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReservationMove {
    CheckIn,
    Use,
    Release,
    Expire,
    /// A late seal found its slot given back but not taken, and takes it again.
    Retake,
}

impl ReservationMove {
    pub const ALL: &'static [ReservationMove] = &[
        ReservationMove::CheckIn,
        ReservationMove::Use,
        ReservationMove::Release,
        ReservationMove::Expire,
        ReservationMove::Retake,
    ];
}

impl ReservationState {
    /// The diagram. A seal made without network may arrive for a reservation whose check-in never did: held -> used.
    pub fn next(self, step: ReservationMove) -> Option<ReservationState> {
        use ReservationMove as M;
        use ReservationState::*;
        match (self, step) {
            (Held, M::CheckIn) => Some(CheckedIn),
            (Held | CheckedIn, M::Use) => Some(Used),
            (Held | CheckedIn, M::Release) => Some(Released),
            (Held | CheckedIn, M::Expire) => Some(Expired),
            (Expired, M::Retake) => Some(Used),
            _ => None,
        }
    }

    pub fn is_live(self) -> bool {
        matches!(self, ReservationState::Held | ReservationState::CheckedIn)
    }
}

/// A seal made before the deadline may arrive this much later.
pub const SYNC_GRACE_SECS: i64 = 12 * 3600;
/// Photos of the manifest may follow the seal for this long.
pub const PHOTO_GRACE_SECS: i64 = 48 * 3600;

/// When the slot is free again: a checked-in worker may be sealing without network, so the sync grace is waited for.
pub fn frees_at(state: ReservationState, deadline: At) -> At {
    match state {
        ReservationState::CheckedIn => deadline.plus_secs(SYNC_GRACE_SECS),
        _ => deadline,
    }
}

/// When the worker sealed: the server's time at an anchor it handed out, plus the phone's monotonic clock since then.
/// Never later than `received` and never earlier than the anchor; without an elapsed clock it is `received`.
pub fn sealed_at(anchor: At, elapsed_ms: Option<i64>, received: At) -> At {
    match elapsed_ms {
        Some(ms) if ms >= 0 => anchor.plus_secs(ms / 1000).min(received),
        _ => received,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> At {
        At::from_micros(secs * 1_000_000).expect("in range")
    }

    #[test]
    fn the_seal_is_judged_by_its_own_time() {
        assert_eq!(sealed_at(at(100), Some(50_000), at(9_000)), at(150));
        assert_eq!(sealed_at(at(100), Some(50_000), at(120)), at(120));
        assert_eq!(sealed_at(at(100), None, at(120)), at(120));
        assert_eq!(sealed_at(at(100), Some(-1), at(120)), at(120));
    }

    #[test]
    fn only_a_checked_in_slot_waits_for_the_sync_grace() {
        assert_eq!(frees_at(ReservationState::Held, at(10)), at(10));
        assert_eq!(frees_at(ReservationState::CheckedIn, at(10)), at(10 + SYNC_GRACE_SECS));
    }
}
