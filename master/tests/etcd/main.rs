//! The store that masters share, against a real etcd.

mod faults;
mod records;
mod scene;
mod store;
