//! What everybody may know about the automatic checks.

use crate::domain::refusal::Outcome;
use crate::domain::transparency::{AutomatedSystems, Limit, automated_systems};

/// From the tables of the program; the photo checks tell their own limits.
pub fn get_automated_systems(photo_limits: &[Limit]) -> Outcome<AutomatedSystems> {
    Ok(automated_systems(photo_limits))
}
