//! Who may do what: one table (source: API Reference, "API Key Permissions" and the endpoint tables' "admin only").

use payin_types::{ErrorCode, Role};

use crate::Error;

/// What an operation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Read orders and what belongs to them.
    ViewData,
    /// Create orders, and payment links, through which payers create them (source: the vendor's open server).
    CreateOrders,
    /// Bind and unbind deposit references.
    CreateDeposits,
    /// Read and change the address pool, webhook endpoints, events, settings and keys.
    ManageSettings,
}

/// Whether a role has a permission.
#[must_use]
pub fn allows(role: &Role, permission: Permission) -> bool {
    matches!(
        (role, permission),
        (Role::Owner | Role::Admin, _)
            | (Role::Member, Permission::ViewData | Permission::CreateOrders | Permission::CreateDeposits)
            | (Role::Viewer, Permission::ViewData)
    )
}

/// The roles that have a permission.
pub fn roles_with(permission: Permission) -> impl Iterator<Item = &'static Role> {
    Role::KNOWN.iter().filter(move |role| allows(role, permission))
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
        Permission::CreateOrders | Permission::CreateDeposits => "member, admin or owner",
        Permission::ManageSettings => "admin or owner",
    };
    Err(Error::new(ErrorCode::InsufficientPermissions, format!("This needs a key with role {needed}; this key's role is {role}")))
}

/// Whether a key of one role may make, or revoke, a key of another: never a stronger one than itself. "Everything but ownership" is this.
#[must_use]
pub fn may_grant(own: &Role, other: &Role) -> bool {
    let rank = |role: &Role| match role {
        Role::Owner => 4,
        Role::Admin => 3,
        Role::Member => 2,
        Role::Viewer => 1,
        _ => 0,
    };
    rank(own) >= 3 && (1..=rank(own)).contains(&rank(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_table() {
        use Permission::{CreateDeposits, CreateOrders, ManageSettings, ViewData};
        for (role, expected) in [
            (Role::Owner, [true; 4]),
            (Role::Admin, [true; 4]),
            (Role::Member, [true, true, true, false]),
            (Role::Viewer, [true, false, false, false]),
            (Role::from("superadmin"), [false; 4]),
        ] {
            assert_eq!(
                [ViewData, CreateOrders, CreateDeposits, ManageSettings].map(|permission| allows(&role, permission)),
                expected,
                "{role}"
            );
        }
    }

    #[test]
    fn nobody_makes_a_key_stronger_than_the_own() {
        let roles = [Role::Owner, Role::Admin, Role::Member, Role::Viewer, Role::from("superadmin")];
        let grants = |own: &Role| roles.iter().filter(|other| may_grant(own, other)).count();
        assert_eq!(roles.each_ref().map(grants), [4, 3, 0, 0, 0]);
        assert!(!may_grant(&Role::Admin, &Role::Owner));
    }
}
