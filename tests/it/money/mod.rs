//! Money and what guards it.

mod sepa;
mod verify;
