// What a program loads while it runs.
extern "C" int triple(int number) { return 3 * number; }
