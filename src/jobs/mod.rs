//! Work without a caller: claim, call outside or compute, record. Can be killed anywhere.

pub mod send_payouts;

use crate::context::App;
use crate::domain::refusal::Outcome;

pub struct Runner {}

impl Runner {
    pub fn start(_app: App) -> Runner {
        Runner {}
    }

    pub async fn stop(self) {}

    pub async fn run_until_idle(_app: &App) -> Outcome<()> {
        Ok(())
    }
}
