//! The domain as its users meet it: what a SealedSecret becomes, why it does not, and what that costs.

#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]

mod diagnosis;
mod operations;
mod properties;
mod resealing;
mod samples;
mod sealing;
mod templates;
mod trying_again;
