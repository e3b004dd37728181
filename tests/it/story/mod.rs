//! What happens to people: whole visits from the reservation to the money, each on both databases, with every invariant
//! verified at its end.

use fieldproof::domain::user::StaffRole;

mod appeals;
mod corrections;
mod deadlines;
mod payouts;
mod reference;
mod shut;

const REVIEWER: StaffRole = StaffRole::Reviewer;
