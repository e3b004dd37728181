//! One file a noun; a handler parses, calls, shapes.

pub mod meta;
