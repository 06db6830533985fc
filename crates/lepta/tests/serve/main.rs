//! `lepta serve`, end to end: the real programs, real sockets, clients good and bad.
#![forbid(unsafe_code)]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod bounds;
mod client;
mod container;
mod endings;
mod figures;
mod manifests;
mod mixture;
mod objects;
mod python_tools;
mod real_clients;
mod results;
mod server;
mod surroundings;
