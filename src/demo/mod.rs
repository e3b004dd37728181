//! Material for the demonstration: real stores, real shelf photos, and what makes a photo look fresh from a phone.
//! Not here: the people and visits that are played with it.
pub mod data;
pub mod exif;
