//! Money and what guards it.

mod histories;
mod twins;
mod verify;
