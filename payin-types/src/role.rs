//! What a key may do, by role (source: API Reference, "API Key Permissions"). The matrix itself is a rule and lives in `payin-core`.

use crate::open_enum;

open_enum! {
    /// The role of an API key within its organization.
    Role {
        /// Everything.
        Owner = "owner",
        /// Everything but ownership.
        Admin = "admin",
        /// Creates orders and deposits, reads.
        Member = "member",
        /// Reads.
        Viewer = "viewer",
    }
}
