//! Whole stories, from the first letter to the last franc.

mod demo;
