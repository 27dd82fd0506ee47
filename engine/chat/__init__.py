"""Speaking to a language model: asks, answers, and who carries them (vLLM, an OpenAI server)."""
