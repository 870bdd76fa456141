"""The bundled target: MangaAssist, a chatbot on AWS, and an emulator of the Bedrock it asks."""
