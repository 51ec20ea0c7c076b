//! The master's hands: gRPC, the store, artifacts, the loop around the core. It never decides who
//! gets what; `stoa-master-core` does.

mod access;
mod agents;
mod any_store;
mod artifacts;
pub mod backup;
mod backup_stream;
mod connections;
mod contest;
mod door;
mod etcd_store;
mod lease_keeper;
mod limits;
mod main_loop;
mod operators;
mod schedulers;
mod server;
mod store;
mod tenure;

pub use any_store::{AnyStore, AnyStoreError};
pub use contest::{ContestSettings, contend};
pub use door::{Door, Role};
pub use etcd_store::{EtcdStore, EtcdStoreError, Keys};
pub use lease_keeper::LeaseKeeper;
pub use operators::Extras;
pub use server::{MasterError, OpenMaster, Settings, serve};
pub use stoa_etcd::{IllegalPlace, Place};
pub use stoa_master_core::Config;
pub use stoa_master_core::election::Config as ElectionConfig;
pub use store::StoreError;
pub use tenure::Tenure;
