//! One file a noun; a handler parses, calls, shapes.

pub mod auth;
pub mod brands;
pub mod me;
pub mod meta;
pub mod workers;
