//! The two rooms that read strangers' files, without the server around them: the targets build in minutes.

#[macro_use]
#[path = "../../src/domain/mod.rs"]
pub mod domain;

#[path = "../../src/checks/mod.rs"]
pub mod checks;
