//! The automatic checks, for everybody to read.

use crate::access::Anyone;
use crate::ops;
use crate::web::gate::{Answer, Gate};

pub async fn get_automated_systems(gate: Gate<Anyone>) -> Answer {
    gate.ok(&ops::transparency::get_automated_systems(&gate.limits())?)
}
