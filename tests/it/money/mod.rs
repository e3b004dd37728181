//! Money and what guards it.

mod verify;
