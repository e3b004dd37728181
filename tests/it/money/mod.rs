//! Money and what guards it.

mod histories;
mod sepa;
mod twins;
mod verify;
