from salus.cli import main

main()
