//! Which columns each thing has. In a list the first ones are always shown, the others where a table has room for them.

use super::Columns;

/// One order.
pub const ORDER: Columns = &[
    "orderId",
    "orderReference",
    "status",
    "amount",
    "currency",
    "receivedAmount",
    "chainId",
    "protocol",
    "address",
    "txHash",
    "blockNumber",
    "confirmations",
    "requiredConfirmations",
    "createdAt",
    "expiresAt",
    "gracePeriodEndsAt",
    "completedAt",
    "expiredAt",
    "paidLate",
    "paymentLinkId",
    "metadata",
];

/// Orders in a list.
pub const ORDERS: Columns =
    &["orderId", "orderReference", "status", "amount", "currency", "chainId", "createdAt", "completedAt", "address"];

/// One payment of the PayWarden API.
pub const PAYMENT: Columns = &[
    "id",
    "external_id",
    "status",
    "amount",
    "currency",
    "amount_received",
    "address",
    "tx_hash",
    "confirmations",
    "created_at",
    "expires_at",
    "confirmed_at",
    "checkout_url",
    "metadata",
    "events",
];

/// Payments of the PayWarden API in a list.
pub const PAYMENTS: Columns =
    &["id", "external_id", "status", "amount", "currency", "amount_received", "created_at", "confirmed_at", "address"];

/// One payment order of the CryptoPay API.
pub const PAYMENT_ORDER: Columns = &[
    "id",
    "order_id",
    "nonce",
    "status",
    "amount",
    "currency",
    "blockchain",
    "amount_received",
    "receiving_address",
    "transaction.transaction_hash",
    "transaction.confirmations",
    "created_at",
    "expires_at",
    "confirmed_at",
    "payment_url",
    "order_info",
];

/// Payment orders of the CryptoPay API in a list.
pub const PAYMENT_ORDERS: Columns =
    &["id", "order_id", "nonce", "status", "amount", "currency", "blockchain", "created_at", "confirmed_at", "receiving_address"];

/// A transaction of the CryptoPay API.
pub const TRANSACTION: Columns = &[
    "transaction_hash",
    "order_id",
    "status",
    "amount",
    "currency",
    "blockchain",
    "confirmations",
    "created_at",
    "confirmed_at",
    "unmatched_reason",
    "from_address",
    "to_address",
];

/// A merchant wallet of the CryptoPay API.
pub const MERCHANT_WALLET: Columns = &["id", "blockchain", "address", "xpub", "is_active", "created_at"];

/// A webhook endpoint of the CryptoPay API.
pub const CRYPTOPAY_ENDPOINT: Columns = &["id", "url", "events", "is_active", "secret", "created_at", "updated_at"];

/// The counts of orders.
pub const ORDER_STATS: Columns = &[
    "totalOrders",
    "pendingOrders",
    "completedOrders",
    "expiredOrders",
    "paidLateOrders",
    "conversionRate",
    "volume",
    "byChain",
    "byCurrency",
];

/// Addresses of the pool.
pub const ADDRESSES: Columns =
    &["address", "protocol", "state", "orderId", "depositReference", "cooldownUntil", "derivationIndex", "createdAt"];

/// Addresses that were checked.
pub const CHECKED: Columns = &["line", "valid", "protocol", "address", "canonical", "error"];

/// Addresses that were derived.
pub const DERIVED: Columns = &["index", "path", "address"];

/// The pool's counts.
pub const POOL: Columns = &["protocol", "total", "available", "allocated", "bound", "coolingDown", "quarantined", "archived"];

/// An import.
pub const IMPORT: Columns = &[
    "imported",
    "skipped",
    "lines",
    "summary.protocol",
    "summary.mode",
    "summary.derivation_range.start",
    "summary.derivation_range.end",
    "summary.master_public_key",
];

/// A binding of a deposit reference.
pub const BOUND_DEPOSIT: Columns = &["depositReference", "address", "protocol", "chainId", "currency", "createdAt", "metadata"];

/// One deposit reference, without its addresses.
pub const DEPOSIT_REFERENCE: Columns = &["depositReference", "totalDeposits", "totalAmount", "metadata", "addresses"];

/// The addresses of a deposit reference.
pub const DEPOSIT_ADDRESSES: Columns = &["address", "protocol", "chainId", "currency", "createdAt"];

/// Deposit references in a list.
pub const DEPOSIT_REFERENCES: Columns = &["depositReference", "protocols", "addressCount", "totalDeposits", "totalAmount", "lastDepositAt"];

/// One deposit.
pub const DEPOSIT: Columns = &[
    "depositId",
    "depositReference",
    "status",
    "reverted",
    "amount",
    "currency",
    "chainId",
    "address",
    "fromAddress",
    "txHash",
    "blockNumber",
    "confirmations",
    "requiredConfirmations",
    "detectedAt",
    "confirmedAt",
    "completedAt",
];

/// Deposits in a list.
pub const DEPOSITS: Columns = &[
    "depositId",
    "depositReference",
    "status",
    "reverted",
    "amount",
    "currency",
    "chainId",
    "detectedAt",
    "confirmations",
    "txHash",
    "address",
    "fromAddress",
    "blockNumber",
    "confirmedAt",
    "completedAt",
];

/// The end of a deposit reference's binding.
pub const UNBOUND: Columns = &["depositReference", "unboundAddresses", "message"];

/// One transfer.
pub const TRANSFER: Columns = &[
    "transferId",
    "status",
    "businessType",
    "unmatchedReason",
    "amount",
    "currency",
    "contractAddress",
    "chainId",
    "txHash",
    "logIndex",
    "fromAddress",
    "toAddress",
    "blockNumber",
    "confirmations",
    "requiredConfirmations",
    "orderId",
    "orderReference",
    "depositId",
    "depositReference",
    "detectedAt",
    "confirmedAt",
    "completedAt",
];

/// Transfers in a list.
pub const TRANSFERS: Columns = &[
    "transferId",
    "status",
    "amount",
    "currency",
    "chainId",
    "businessType",
    "unmatchedReason",
    "detectedAt",
    "orderReference",
    "depositReference",
    "txHash",
    "toAddress",
    "fromAddress",
    "orderId",
    "depositId",
    "logIndex",
    "blockNumber",
    "confirmations",
    "confirmedAt",
    "completedAt",
];

/// One webhook endpoint.
pub const ENDPOINT: Columns = &[
    "id",
    "url",
    "events",
    "enabled",
    "disabledReason",
    "disabledAt",
    "failingSince",
    "description",
    "createdAt",
    "updatedAt",
    "previousSecretExpiresAt",
    "secret",
];

/// Webhook endpoints in a list.
pub const ENDPOINTS: Columns =
    &["id", "url", "enabled", "events", "failingSince", "disabledReason", "description", "createdAt", "updatedAt"];

/// Events in a list.
pub const EVENTS: Columns =
    &["id", "type", "createdAt", "deliveries.delivered", "deliveries.pending", "deliveries.failed", "objectId", "sequence"];

/// One event.
pub const EVENT: Columns =
    &["id", "type", "objectId", "sequence", "createdAt", "deliveries.delivered", "deliveries.pending", "deliveries.failed", "payload"];

/// The deliveries of an event.
pub const DELIVERIES: Columns = &["endpointId", "status", "attempts", "url", "nextAttemptAt", "deliveredAt", "failedAt", "eventId"];

/// Events that are about to be sent again.
pub const RESENT: Columns = &["events", "deliveries"];

/// An event that is about to be sent.
pub const QUEUED: Columns = &["eventId", "deliveries"];

/// One payment link.
pub const LINK: Columns = &[
    "id",
    "title",
    "status",
    "isArchived",
    "checkoutUrl",
    "slug",
    "amount",
    "amountType",
    "currencies",
    "inventoryTotal",
    "inventorySold",
    "inventoryReserved",
    "expiresAt",
    "description",
    "ctaText",
    "theme",
    "successUrl",
    "cancelUrl",
    "publishedAt",
    "createdAt",
    "updatedAt",
    "metadata",
];

/// Payment links in a list.
pub const LINKS: Columns = &[
    "id",
    "title",
    "status",
    "amount",
    "isArchived",
    "inventorySold",
    "inventoryTotal",
    "checkoutUrl",
    "amountType",
    "slug",
    "inventoryReserved",
    "expiresAt",
    "publishedAt",
    "createdAt",
    "updatedAt",
];

/// Orders of a payment link.
pub const LINK_ORDERS: Columns =
    &["orderId", "status", "amount", "currency", "chainId", "buyerEmail", "createdAt", "completedAt", "orderReference"];

/// What all links have brought.
pub const LINK_STATS: Columns =
    &["totalLinks", "publishedLinks", "totalOrders", "completedOrders", "pendingOrders", "expiredOrders", "conversionRate", "revenue"];

/// One setting.
pub const SETTING: Columns =
    &["key", "alias", "value", "source", "type", "default", "minimum", "maximum", "readOnly", "updatedAt", "description"];

/// Settings in a list.
pub const SETTINGS: Columns =
    &["key", "value", "source", "default", "minimum", "maximum", "readOnly", "type", "alias", "updatedAt", "description"];

/// Organizations.
pub const ORGANIZATIONS: Columns = &["id", "name", "role", "createdAt"];

/// One API key.
pub const KEY: Columns =
    &["id", "name", "role", "keyPrefix", "isActive", "expiresAt", "lastUsedAt", "createdAt", "organizationId", "apiKey"];

/// API keys in a list.
pub const KEYS: Columns = &["id", "name", "role", "keyPrefix", "isActive", "expiresAt", "lastUsedAt", "createdAt", "organizationId"];

/// Whose key it is.
pub const ME: Columns =
    &["organization.id", "organization.name", "role", "environment", "key.id", "key.prefix", "key.createdAt", "key.expiresAt"];

/// Chains in a list.
pub const CHAINS: Columns = &[
    "chainId",
    "status",
    "headNumber",
    "lagSeconds",
    "requiredConfirmations",
    "tokens.currency",
    "finalizedNumber",
    "confirmedBy",
    "protocol",
    "finalAbove",
    "agreedAbove",
    "holes",
    "lost",
    "message",
    "lastReconciliation.reconciledAt",
    "lastReconciliation.differenceCount",
];

/// That it worked.
pub const SUCCESS: Columns = &["success"];
