//! The two rooms that read strangers' files, without the server around them: the targets build in a minute.

#[path = "../../src/domain"]
pub mod domain {
    pub mod finding;
    pub mod ids;
    pub mod place;
    pub mod time;
}

#[path = "../../src/checks/mod.rs"]
pub mod checks;
