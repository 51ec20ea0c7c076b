//! Masters' store and election against a real etcd.

mod election;
mod faults;
mod records;
mod scene;
mod store;
