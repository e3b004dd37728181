//! Chains committed audit rows, one after the other (I14). Runs apart from the transactions that write them, so that
//! they never wait for each other.

use crate::context::Cx;
use crate::db::audit::{self, GENESIS, chain_hash};
use crate::db::dialect::one_at_a_time;
use crate::db::rows::EventSealRow;
use crate::domain::event::Actor;
use crate::domain::refusal::Outcome;

/// Any number, the same in every version of this program.
const SEALING: i64 = 0x6669_656c_6471;
/// Rows of one transaction.
const BATCH: i64 = 500;

/// Seals up to 500 events; returns how many.
pub fn seal_audit(cx: &Cx) -> Outcome<usize> {
    if cx.read(|c| audit::unsealed(c, 1))?.is_empty() {
        return Ok(0);
    }
    cx.write_as(&Actor::Machine("seal_audit"), |tx| {
        tx.nothing_changed();
        one_at_a_time(tx, SEALING)?;
        let head = audit::head(tx)?;
        let (mut seq, mut previous) = head.map_or((0, GENESIS.to_owned()), |head| (head.seq, head.hash));
        let events = audit::unsealed(tx, BATCH)?;
        for event in &events {
            let hash = chain_hash(&previous, event);
            seq += 1;
            let seal = EventSealRow { seq, event_id: event.id.clone(), previous_hash: previous, hash: hash.clone() };
            audit::add_seal(tx, &seal)?;
            previous = hash;
        }
        Ok(events.len())
    })
}
