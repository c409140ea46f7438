//! What statistics are made of: sums and shares, in integers. It must not know where the figures come from.

use std::collections::BTreeMap;

use payin_types::order::OrderStats;
use payin_types::{ChainId, Currency, OrderStatus};

use crate::Units;

/// Orders of one chain and currency that stand in one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Orders {
    /// The chain.
    pub chain_id: ChainId,
    /// The currency.
    pub currency: Currency,
    /// Where they stand.
    pub status: OrderStatus,
    /// How many they are.
    pub orders: u64,
    /// How many of them received money too late.
    pub paid_late: u64,
    /// What they received.
    pub received: Units,
}

/// Statistics of orders.
#[must_use]
pub fn of_orders(parts: &[Orders]) -> OrderStats {
    let mut stats = OrderStats::none();
    let mut volume: BTreeMap<Currency, Units> = BTreeMap::new();
    for part in parts {
        stats.total_orders = stats.total_orders.saturating_add(part.orders);
        stats.paid_late_orders = stats.paid_late_orders.saturating_add(part.paid_late);
        if part.orders > 0 {
            let of_chain = stats.by_chain.entry(part.chain_id.clone()).or_default();
            *of_chain = of_chain.saturating_add(part.orders);
            let of_currency = stats.by_currency.entry(part.currency.clone()).or_default();
            *of_currency = of_currency.saturating_add(part.orders);
        }
        let count = match part.status {
            OrderStatus::Completed => {
                let sum = volume.entry(part.currency.clone()).or_default();
                *sum = sum.saturating_add(part.received);
                &mut stats.completed_orders
            }
            OrderStatus::Expired => &mut stats.expired_orders,
            _ => &mut stats.pending_orders,
        };
        *count = count.saturating_add(part.orders);
    }
    volume.retain(|_, sum| !sum.is_zero());
    stats.volume = volume.into_iter().map(|(currency, sum)| (currency, sum.to_amount())).collect();
    stats.conversion_rate = percent(stats.completed_orders, stats.completed_orders.saturating_add(stats.expired_orders));
    stats
}

/// A share in percent with two decimals, the half rounded up; "0.00" of nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    let (part, whole) = (u128::from(part), u128::from(whole));
    let hundredths = part.saturating_mul(20_000).saturating_add(whole).checked_div(whole.saturating_mul(2)).unwrap_or(0);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_two_decimals() {
        let shares =
            [(0, 0, "0.00"), (0, 5, "0.00"), (1, 3, "33.33"), (2, 3, "66.67"), (1, 1, "100.00"), (1, 20_000, "0.01"), (1, 20_001, "0.00")];
        for (part, whole, shown) in shares {
            assert_eq!(percent(part, whole), shown);
        }
        assert_eq!(percent(u64::MAX, u64::MAX), "100.00");
    }

    #[test]
    fn only_what_completed_orders_received_is_volume() {
        let part = |currency: &str, status, orders, received: &str| Orders {
            chain_id: if currency == "DAI" { "polygon" } else { "ethereum" }.into(),
            currency: currency.into(),
            status,
            orders,
            paid_late: 0,
            received: Units::from_amount(received.parse().unwrap()).unwrap(),
        };
        let stats = of_orders(&[
            part("USDT", OrderStatus::Completed, 2, "200.50"),
            part("DAI", OrderStatus::Completed, 1, "0.000000000000000001"),
            part("USDT", OrderStatus::Completed, 1, "99.5"),
            Orders { paid_late: 1, ..part("USDT", OrderStatus::Expired, 2, "7") },
            part("USDC", OrderStatus::Pending, 3, "1"),
            part("PYUSD", OrderStatus::Pending, 0, "0"),
        ]);
        assert_eq!((stats.total_orders, stats.pending_orders, stats.completed_orders, stats.expired_orders), (9, 3, 4, 2));
        assert_eq!((stats.paid_late_orders, stats.conversion_rate.as_str()), (1, "66.67"));
        let volume: Vec<_> = stats.volume.iter().map(|(currency, amount)| format!("{currency} {amount}")).collect();
        assert_eq!(volume, ["DAI 0.000000000000000001", "USDT 300.00"]);
        assert_eq!(stats.by_chain, BTreeMap::from([("ethereum".into(), 8), ("polygon".into(), 1)]));
        assert_eq!(stats.by_currency, BTreeMap::from([("DAI".into(), 1), ("USDC".into(), 3), ("USDT".into(), 5)]));
    }

    #[test]
    fn nothing_has_statistics_too() {
        assert_eq!(of_orders(&[]), OrderStats::none());
    }
}
