//! Setters of the optional fields of request bodies, where naming them all would be tedious. They must not check anything: the server does.

use serde_json::{Map, Value};

use crate::checkout::CreateLinkOrder;
use crate::endpoint::{CreateEndpoint, RotateSecret, UpdateEndpoint};
use crate::link::{AmountType, CreatePaymentLink, LinkCurrency, PublishPaymentLink, Theme, UpdatePaymentLink};
use crate::organization::CreateApiKey;
use crate::{Amount, ChainId, Currency, EventType, Role, Timestamp};

/// One setter for each field: of `T` where the field is an `Option<T>`.
macro_rules! setters {
    ($body:ty { $($(#[$meta:meta])* $field:ident: $value:ty,)+ }) => {
        impl $body {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$value>) -> Self {
                    self.$field = Some($field.into());
                    self
                }
            )+
        }
    };
}

/// Two setters for each field of an update that may be taken away: one sets, one takes away.
macro_rules! patches {
    ($body:ty { $($(#[$meta:meta])* $field:ident: $value:ty, $remove:ident;)+ }) => {
        impl $body {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$value>) -> Self {
                    self.$field = Some(Some($field.into()));
                    self
                }

                #[doc = concat!("Takes away what [`Self::", stringify!($field), "`] sets.")]
                #[must_use]
                pub fn $remove(mut self) -> Self {
                    self.$field = Some(None);
                    self
                }
            )+
        }
    };
}

impl LinkCurrency {
    /// A currency on some chains, for the link's amount.
    #[must_use]
    pub fn new(currency: impl Into<Currency>, chains: impl IntoIterator<Item = impl Into<ChainId>>) -> Self {
        let chain_options = chains.into_iter().map(Into::into).collect();
        Self { currency: currency.into(), chain_options, amount: None, is_primary: None, metadata: None }
    }
}

setters! {
    LinkCurrency {
        /// What is paid in this currency, where it differs from the link's amount.
        amount: Amount,
        /// Whether it is the one proposed first.
        is_primary: bool,
        /// The merchant's own data.
        metadata: Map<String, Value>,
    }
}

impl CreatePaymentLink {
    /// A link for which the payer says how much is paid.
    #[must_use]
    pub fn of_any_amount(title: impl Into<String>, currency: LinkCurrency) -> Self {
        let LinkCurrency { currency: name, chain_options, .. } = currency.clone();
        let mut link = Self::new(title, Amount::ZERO, name, chain_options).amount_type(AmountType::UserInput);
        link.currencies = vec![currency];
        link
    }

    /// Adds a currency that the link can be paid in.
    #[must_use]
    pub fn currency(mut self, currency: LinkCurrency) -> Self {
        self.currencies.push(currency);
        self
    }

    /// Adds one pair of the merchant's own data.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.get_or_insert_default().insert(key.into(), value.into());
        self
    }
}

setters! {
    CreatePaymentLink {
        /// More about what is sold; Markdown.
        description: String,
        /// Who says how much.
        amount_type: AmountType,
        /// How many can be sold.
        inventory_total: u64,
        /// Until when it can be paid.
        expires_at: Timestamp,
        /// The words on the button.
        cta_text: String,
        /// How the checkout page looks.
        theme: Theme,
        /// Where the payer goes after payment.
        success_url: String,
        /// Where the payer goes when the order has expired.
        cancel_url: String,
    }
}

setters! {
    UpdatePaymentLink {
        /// What is sold.
        title: String,
        /// What is paid, in whole tokens.
        amount: Amount,
        /// Who says how much.
        amount_type: AmountType,
        /// What it can be paid in; replaces the list.
        currencies: Vec<LinkCurrency>,
        /// How the checkout page looks.
        theme: Theme,
    }
}

patches! {
    UpdatePaymentLink {
        /// More about what is sold; Markdown.
        description: String, remove_description;
        /// How many can be sold; never fewer than are sold or reserved.
        inventory_total: u64, remove_inventory_total;
        /// Until when it can be paid.
        expires_at: Timestamp, remove_expires_at;
        /// The merchant's own data; replaces it.
        metadata: Map<String, Value>, remove_metadata;
        /// The words on the button.
        cta_text: String, remove_cta_text;
        /// Where the payer goes after payment.
        success_url: String, remove_success_url;
        /// Where the payer goes when the order has expired.
        cancel_url: String, remove_cancel_url;
    }
}

setters! {
    PublishPaymentLink {
        /// The last part of the URL.
        slug: String,
    }
}

impl CreateLinkOrder {
    /// An order of a link, in one of its currencies on one of that currency's chains.
    #[must_use]
    pub fn new(currency: impl Into<Currency>, chain_id: impl Into<ChainId>) -> Self {
        Self { email: None, currency: currency.into(), chain_id: chain_id.into(), amount: None }
    }
}

setters! {
    CreateLinkOrder {
        /// The payer's e-mail address, for the merchant.
        email: String,
        /// What the payer wants to pay; only where the link lets the payer say.
        amount: Amount,
    }
}

impl CreateEndpoint {
    /// An endpoint with a secret that the server makes.
    #[must_use]
    pub fn new(url: impl Into<String>, events: impl IntoIterator<Item = EventType>) -> Self {
        Self { url: url.into(), events: events.into_iter().collect(), secret: None, description: None }
    }
}

setters! {
    CreateEndpoint {
        /// The signing secret, 16 characters or more.
        secret: String,
        /// For people.
        description: String,
    }
}

setters! {
    UpdateEndpoint {
        /// Where events are posted.
        url: String,
        /// Which events, from now on.
        events: Vec<EventType>,
        /// Whether events are sent.
        enabled: bool,
    }
}

patches! {
    UpdateEndpoint {
        /// For people.
        description: String, remove_description;
    }
}

setters! {
    RotateSecret {
        /// The new secret, 16 characters or more.
        secret: String,
        /// For how many hours deliveries are also signed with the old secret, 0 to 168.
        old_secret_valid_hours: u32,
    }
}

setters! {
    CreateApiKey {
        /// What it may do, never more than the calling key.
        role: Role,
        /// From when it is no longer taken.
        expires_at: Timestamp,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn updates_set_take_away_and_leave() {
        let update = UpdatePaymentLink::default().title("T").cta_text("Pay").remove_description();
        assert_eq!(serde_json::to_value(update).unwrap(), json!({"title": "T", "ctaText": "Pay", "description": null}));
        assert_eq!(serde_json::to_value(UpdateEndpoint::default().enabled(false)).unwrap(), json!({"enabled": false}));
    }

    #[test]
    fn a_link_may_leave_the_amount_to_the_payer() {
        let link = CreatePaymentLink::of_any_amount("Tips", LinkCurrency::new("USDT", ["polygon-amoy"]))
            .currency(LinkCurrency::new("USDC", ["base-sepolia"]).is_primary(true))
            .metadata("shop", 7);
        let expected = json!({
            "title": "Tips", "amount": "0", "amountType": "user_input", "metadata": {"shop": 7},
            "currencies": [{"currency": "USDT", "chainOptions": ["polygon-amoy"]},
                {"currency": "USDC", "chainOptions": ["base-sepolia"], "isPrimary": true}]
        });
        assert_eq!(serde_json::to_value(link).unwrap(), expected);
    }
}
