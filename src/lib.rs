//! Fieldproof: paid field missions with photo proof.
pub mod db;
pub mod domain;
