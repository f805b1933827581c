//! A controller in a real cluster, as its users install it.

mod image_changed;
mod installing;
mod our_manifests;
mod upstream_suite;
