//! One campaign at one store: its slots, and the attempts that are paid when a visit cannot be done.

use super::refusal::{Code, Refusal};
use super::time::At;

text_enum! {
    /// `paused` by its brand or because its store was reported shut; `closed` for good.
    MissionState { Open = "open", Paused = "paused", Closed = "closed" }
}

/// What can happen to a mission.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MissionMove {
    Pause,
    Resume,
    Close,
}

impl MissionState {
    pub fn next(self, step: MissionMove) -> Option<MissionState> {
        match (self, step) {
            (MissionState::Open, MissionMove::Pause) => Some(MissionState::Paused),
            (MissionState::Paused, MissionMove::Resume) => Some(MissionState::Open),
            (MissionState::Open | MissionState::Paused, MissionMove::Close) => Some(MissionState::Closed),
            _ => None,
        }
    }
}

/// Approved visits from which on a worker has level 1, 2, 3, ...; before the first it is 0.
pub const LEVELS: [i64; 5] = [1, 5, 25, 100, 400];

/// The level of a worker with so many approved visits.
pub fn level_of(approved: i64) -> i64 {
    LEVELS.iter().filter(|least| approved >= **least).count() as i64
}

/// The counters of one mission. A live reservation or an undecided submission holds one slot and one attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slots {
    pub slots: i64,
    pub held: i64,
    pub done: i64,
    pub attempts: i64,
    pub attempts_spent: i64,
}

impl Slots {
    /// Attempt fees set aside for a mission: one for each slot and one for the re-check of a shut store.
    pub fn attempts_for(slots: i64) -> i64 {
        slots.saturating_add(1)
    }

    /// Slots that can be given away now: the reward and the attempt fee of each are both still in escrow.
    pub fn free(self) -> i64 {
        (self.slots - self.held - self.done).min(self.attempts - self.attempts_spent - self.held).max(0)
    }
}

/// May a slot be reserved at `now`? `recheck` asks for the one paid visit of a paused store.
pub fn may_reserve(
    state: MissionState,
    slots: Slots,
    starts: At,
    ends: At,
    recheck: bool,
    now: At,
) -> Result<(), Refusal> {
    if now < starts || now >= ends {
        return Err(Refusal::new(Code::MissionNotOpen, format!("The mission runs from {starts} to {ends}.")));
    }
    match state {
        MissionState::Closed => {
            return Err(Refusal::new(Code::MissionNotOpen, "The mission is closed."));
        }
        MissionState::Paused if !recheck => {
            return Err(Refusal::new(Code::MissionPaused, "The mission is paused."));
        }
        MissionState::Open | MissionState::Paused => {}
    }
    if slots.free() == 0 {
        return Err(Refusal::new(Code::SlotTaken, "Every slot of this mission is taken."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_needs_both_its_reward_and_its_attempt_fee() {
        let slots = Slots { slots: 2, held: 1, done: 0, attempts: 3, attempts_spent: 0 };
        assert_eq!(slots.free(), 1);
        assert_eq!(Slots { attempts_spent: 2, ..slots }.free(), 0);
        assert_eq!(Slots { done: 1, ..slots }.free(), 0);
    }
}
