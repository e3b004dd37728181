//! Material for the demonstration: real stores, real shelf photos, and what makes a photo look fresh from a phone.
//! Not here: the people and visits that are played with it.
pub mod cast;
pub mod data;
pub mod day;
pub mod folder;
pub mod host;
pub mod play;
pub mod script;
