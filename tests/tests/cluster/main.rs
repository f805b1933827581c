//! A controller in a real cluster, as its users install it.

mod audit;
mod catalogue;
mod deleting;
mod drift;
mod effort;
mod failing;
mod fairness;
mod faults;
mod features_off;
mod http;
mod image_changed;
mod installing;
mod keys;
mod least_privilege;
mod log;
mod metrics;
mod migrate;
mod our_manifests;
mod pace;
mod replicas;
mod same;
mod site;
mod sizes;
mod switching;
mod upstream_suite;
mod webhooks;
