//! Who may do what: one table (source: API Reference, "API Key Permissions" and the endpoint tables' "admin only").

use payin_types::{ErrorCode, Role};

use crate::Error;

/// What an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read orders and what belongs to them.
    ViewData,
    /// Create orders.
    CreateOrders,
    /// Read and fill the address pool, webhook endpoints, settings and keys.
    ManageSettings,
}

/// Whether a role has a permission.
#[must_use]
pub fn allows(role: &Role, permission: Permission) -> bool {
    matches!(
        (role, permission),
        (Role::Owner | Role::Admin, _)
            | (Role::Member, Permission::ViewData | Permission::CreateOrders)
            | (Role::Viewer, Permission::ViewData)
    )
}

/// Refuses what the role does not allow.
///
/// # Errors
/// `INSUFFICIENT_PERMISSIONS`.
pub fn check(role: &Role, permission: Permission) -> Result<(), Error> {
    if allows(role, permission) {
        return Ok(());
    }
    let needed = match permission {
        Permission::ViewData => "viewer, member, admin or owner",
        Permission::CreateOrders => "member, admin or owner",
        Permission::ManageSettings => "admin or owner",
    };
    Err(Error::new(ErrorCode::InsufficientPermissions, format!("This needs a key with role {needed}; this key's role is {role}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_table() {
        use Permission::{CreateOrders, ManageSettings, ViewData};
        for (role, expected) in [
            (Role::Owner, [true, true, true]),
            (Role::Admin, [true, true, true]),
            (Role::Member, [true, true, false]),
            (Role::Viewer, [true, false, false]),
            (Role::from("superadmin"), [false, false, false]),
        ] {
            assert_eq!([ViewData, CreateOrders, ManageSettings].map(|permission| allows(&role, permission)), expected, "{role}");
        }
    }
}
