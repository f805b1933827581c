//! A controller in a real cluster, as its users install it.

mod installing;
mod our_manifests;
mod upstream_suite;
