//! Fieldproof: paid field missions with photo proof.
pub mod checks;
pub mod domain;
