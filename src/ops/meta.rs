//! The server about itself.

use crate::context::Cx;
use crate::db::migrate;
use crate::domain::refusal::{Code, Outcome, Refusal};

/// Whether the database answers and has this program's schema.
pub fn get_ready(cx: &Cx) -> Outcome<()> {
    if cx.read(migrate::pending)? {
        return Err(Refusal::new(Code::Busy, "The schema is older than this program; run `fieldproof migrate`.").into());
    }
    Ok(())
}
