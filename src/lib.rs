//! Fieldproof: paid field missions with photo proof.
pub mod domain;
pub mod demo;
