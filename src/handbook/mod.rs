//! What a maintainer must know and the code does not say by itself. Text only: [`journeys`], [`decisions`],
//! [`grades`], [`recipes`].

pub mod decisions;
pub mod grades;
pub mod journeys;
pub mod recipes;
