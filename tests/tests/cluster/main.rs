//! A controller in a real cluster, as its users install it.

mod installing;
mod upstream_suite;
