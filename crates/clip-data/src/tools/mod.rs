//! Making, counting, checking and repairing shards.

mod count;
mod faults;
mod indices;
mod pack;
mod repair;
mod verify;

pub use count::{CountOptions, CountReport, MemberCount, ShardCount, count_shards};
pub use faults::FaultTally;
pub use pack::{KeyRule, PackOptions, PackReport, pack_shards};
pub use repair::{RepairOptions, RepairOutcome, RepairReport, repair_shard};
pub use verify::{VerifyOptions, VerifyReport, verify_shards};

/// How far a tool has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardProgress {
    /// Shards that are done with.
    pub shards: u64,
    /// Shards in all.
    pub of: u64,
    /// Samples seen.
    pub samples: u64,
}
