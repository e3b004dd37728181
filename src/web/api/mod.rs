//! One file a noun; a handler parses, calls, shapes.

pub mod campaigns;
pub mod deliveries;
pub mod funds;
pub mod meta;
pub mod products;
pub mod report;
pub mod stores;
