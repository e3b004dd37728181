//! Each state machine as a table: a row a state, what each move makes of it. An accountant's view of the book beside it.

use std::fmt::{Debug, Write as _};

use fieldproof::domain::assessment;
use fieldproof::domain::campaign::{CampaignMove, CampaignState};
use fieldproof::domain::ledger::book;
use fieldproof::domain::payout::{BatchMove, BatchState, PayoutMove, PayoutState};
use fieldproof::domain::reservation::{ReservationMove, ReservationState};
use fieldproof::domain::store::{StoreMove, StoreState};
use fieldproof::domain::submission::{SubmissionMove, SubmissionState};

use crate::support::snapshot::assert_snapshot;

fn table<S: Copy + Debug, M: Copy + Debug>(states: &[S], moves: &[M], next: impl Fn(S, M) -> Option<S>) -> String {
    let mut text = String::new();
    for &state in states {
        let arrows: Vec<String> =
            moves.iter().filter_map(|&step| next(state, step).map(|to| format!("    {step:?} -> {to:?}\n"))).collect();
        let end = if arrows.is_empty() { " (end)" } else { "" };
        writeln!(text, "{state:?}{end}").unwrap();
        text.push_str(&arrows.concat());
    }
    text
}

#[test]
fn each_state_machine_is_what_was_agreed() {
    let machines = [
        ("campaign", table(CampaignState::ALL, CampaignMove::ALL, CampaignState::next)),
        ("payout", table(PayoutState::ALL, PayoutMove::ALL, PayoutState::next)),
        ("payout_batch", table(BatchState::ALL, BatchMove::ALL, BatchState::next)),
        ("reservation", table(ReservationState::ALL, ReservationMove::ALL, ReservationState::next)),
        ("store", table(StoreState::ALL, &StoreMove::ALL, StoreState::next)),
        ("submission", table(SubmissionState::ALL, SubmissionMove::ALL, SubmissionState::next)),
    ];
    for (name, text) in machines {
        assert_snapshot(&format!("states/{name}.txt"), &text);
    }
}

#[test]
fn the_book_is_what_an_accountant_agreed_to() {
    assert_snapshot("book.txt", &book::table());
}

#[test]
fn what_each_finding_weighs_is_what_was_agreed() {
    assert_snapshot("weights.txt", &assessment::table());
}
