//! Fieldproof: paid field missions with photo proof.
pub mod access;
pub mod boot;
pub mod checks;
pub mod cli;
pub mod config;
pub mod context;
pub mod db;
pub mod demo;
pub mod domain;
pub mod jobs;
pub mod ops;
pub mod ports;
pub mod telemetry;
pub mod web;
