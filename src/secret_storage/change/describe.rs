//! Describing a key again whose description is gone.

use super::{Change, ChangeError, PlanNote};
use crate::{
    crypto::aes_hmac_sha2::KeyCheck,
    encoding::{json, json_object::JsonObject},
    ids::{EventType, SecretStorageKeyId},
    secret_storage::{
        AES_HMAC_SHA2, KEY_PREFIX,
        key::{KeyStanding, SecretStorageKey},
        key_description::KeyDescription,
    },
};

impl Change<'_> {
    /// Describes a key again that is at hand and has opened a secret, and whose description
    /// [is gone or cannot be used](crate::secret_storage::SecretStorage::undescribed_keys), or names an unknown algorithm. What is left of the
    /// description stays: a passphrase, say.
    ///
    /// # Errors
    ///
    /// [`ChangeError::KeyExists`] if the key is described, [`ChangeError::NoSuchKey`] if it is not at hand,
    /// [`ChangeError::Unverifiable`] if it has opened nothing, [`ChangeError::Asymmetric`] if it is of the old algorithm.
    pub fn describe_again(&mut self, id: &SecretStorageKeyId) -> Result<(), ChangeError> {
        let is_usable = |key: &KeyDescription| key.is_supported();
        if self.storage.key(id).is_some_and(is_usable) {
            return Err(ChangeError::KeyExists(id.clone()));
        }
        let key = self.keys.of_id(id).next().ok_or_else(|| ChangeError::NoSuchKey(id.clone()))?;
        if key.is_asymmetric() {
            return Err(ChangeError::Asymmetric(id.clone()));
        }
        if key.standing() == KeyStanding::Unverifiable {
            return Err(ChangeError::Unverifiable(id.clone()));
        }
        let key = key.clone();
        let event_type = EventType::new(format!("{KEY_PREFIX}{}", id.as_str()));
        let check = KeyCheck::with_rng(&key.material(), &mut self.rng);
        let left =
            self.storage.content(&event_type).map(|content| described(Some(content), &check));
        let content = left.filter(|content| self.is_of(content, &key));
        let content = content.unwrap_or_else(|| described(None, &check));
        self.write(event_type, content, PlanNote::DescribeKeyAgain(id.clone()));
        Ok(())
    }

    fn is_of(&self, content: &JsonObject, key: &SecretStorageKey) -> bool {
        let read = KeyDescription::from_json(key.id().clone(), content, &self.limits);
        let accepted = read.ok().and_then(|read| read.accept(&key.material()).ok());
        accepted.is_some_and(|key| key.standing() == KeyStanding::Checked)
    }
}

/// A description with this check, and what is left of another one.
fn described(left: Option<&JsonObject>, check: &KeyCheck) -> JsonObject {
    // They were made for what the description was.
    let left =
        left.map(|left| json::without_members(Some(left.as_raw()), |name, _| name == "signatures"));
    let mut content = JsonObject::from_our_own(left.as_deref().unwrap_or("{}"));
    for (name, value) in [
        ("algorithm", AES_HMAC_SHA2),
        ("iv", &check.iv.to_base64()),
        ("mac", &check.mac.to_base64()),
    ] {
        let text = json::with_member(Some(content.as_raw()), name, &json::to_text(value));
        content = JsonObject::from_our_own(&text);
    }
    content
}
