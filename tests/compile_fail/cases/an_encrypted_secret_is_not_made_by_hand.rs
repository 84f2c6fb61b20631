use strongroom::{encoding::json_object::JsonObject, secret_sharing::EncryptedSecretSend};

fn pretend(content: JsonObject) -> EncryptedSecretSend {
    EncryptedSecretSend { user_id: "@a:b.org".into(), device_id: "EVIL".into(), content } //~ E0451 fields `user_id`, `device_id` and `content` of struct `EncryptedSecretSend` are private
}
