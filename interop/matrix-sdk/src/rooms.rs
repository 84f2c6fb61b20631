//! Messages, and the sessions of rooms.

use anyhow::{Context as _, Result};
use matrix_sdk::{
    Room,
    room::MessagesOptions,
    ruma::{RoomId, events::room::message::RoomMessageEventContent},
};
use serde_json::{Value, json};

use crate::device::Device;

impl Device {
    pub async fn talk(&self, rooms: &[String], count: usize) -> Result<()> {
        self.sync(1).await?;
        for id in rooms {
            let room = self.room(id)?;
            for number in 0..count {
                room.send(RoomMessageEventContent::text_plain(format!("message {number}"))).await?;
                room.discard_room_key().await?;
            }
        }
        Ok(())
    }

    pub async fn download(&self, rooms: &[String]) -> Result<()> {
        for id in rooms {
            let id = RoomId::parse(id)?;
            self.client.encryption().backups().download_room_keys_for_room(&id).await?;
        }
        Ok(())
    }

    pub async fn messages(&self, rooms: &[String]) -> Result<Value> {
        let mut texts = Vec::new();
        for id in rooms {
            let mut options = MessagesOptions::backward();
            options.limit = 100u32.into();
            for event in self.room(id)?.messages(options).await?.chunk {
                let event: Value = event.raw().deserialize_as_unchecked()?;
                texts.extend(event.pointer("/content/body").cloned());
            }
        }
        Ok(json!(texts))
    }

    fn room(&self, id: &str) -> Result<Room> {
        self.client.get_room(&RoomId::parse(id)?).context("the room is unknown")
    }
}
